"""The doctor: looks at a server and the machine around it, says what is wrong and mends it."""
