"""What watches over a promotion: from counts to an alarm, pure, and never to a promotion."""
