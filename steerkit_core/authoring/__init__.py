"""Starting points that are written for people: packages of plugins, and recipes."""
