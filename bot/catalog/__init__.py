"""`handrail.yaml`: the stacks, as their owners write them."""
