"""What run directories hold, as their readers get it: checked once, in one place, whoever asks."""
