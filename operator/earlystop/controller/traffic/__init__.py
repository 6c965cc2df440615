"""From the desired split of a campaign to objects in the cluster, and to the proof that they are served."""
