"""What the console pages of all packages share."""
