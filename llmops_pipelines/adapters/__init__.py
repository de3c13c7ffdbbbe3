"""Outside libraries made to look like our functions; heavy imports happen inside them."""
