"""Run one job in a container and tell what happens, with every secret masked."""
