"""Files: published whole or not at all, and libraries kept from telling what is in them."""
