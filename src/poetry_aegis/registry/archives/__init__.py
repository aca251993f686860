"""What is uploaded: archives opened as hostile input, and what they say of themselves."""
