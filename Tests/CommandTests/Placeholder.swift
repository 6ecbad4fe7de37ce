// placeholder, replaced by this room's first test
