"""What the API server keeps of one policy: its status and its verdicts, written and read again."""
