"""Several processes on one port: who starts them, who speaks for them."""
