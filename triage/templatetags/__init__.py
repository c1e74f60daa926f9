"""What templates of the console may ask for."""
