"""What providers' requests and answers say, whoever logged them."""
