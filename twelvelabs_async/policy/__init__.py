"""What is decided apart from what is done: reading headers, pacing calls, repeating them."""
