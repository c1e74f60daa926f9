"""What templates of the public door may ask for."""
