"""From what a campaign wants in force to objects in the cluster, and to the proof that they are served."""
