"""No trace of the sender: everything is marked on its way in, and every place is searched afterwards."""
