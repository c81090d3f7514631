"""The dialects, one file each; `firmware_bridge.dialects.table` lists them."""
