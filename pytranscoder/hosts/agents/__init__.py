"""The manager's side of agents: what is said to them, how they are asked, how each gets to know the other."""
