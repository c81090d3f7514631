"""The control side of the block function: plan, prepare, process, publish, reset. No device, no clock."""
