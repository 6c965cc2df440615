"""What is scarce is given to namespaces in rotation, and what anybody can repeat without end has a rate."""
