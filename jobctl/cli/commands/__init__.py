"""The commands, a file a family. Each is imported when it is named."""
