"""What watches have shown of the cluster, kept so that checks need not read it again."""
