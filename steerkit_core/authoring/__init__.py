"""What is written for people to go on from: packages of plugins, and recipes."""
