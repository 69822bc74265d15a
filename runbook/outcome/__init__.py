"""Where a message lands: predicted from what a tenant holds, compared with what the tutorial promises."""
