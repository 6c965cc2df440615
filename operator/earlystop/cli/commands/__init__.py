"""The commands as people call them: options and help alone. What a command does is imported when it is called."""
