"""Any wearable becomes a trusted pose: transports, dialects, pose, mailbox. Never imports the renderer."""
