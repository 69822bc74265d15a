"""Many tenants in one go: what is asked of each, how it ended, and one page over all of them."""
