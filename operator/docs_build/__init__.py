"""Makes pages of the documentation that follow from other pages. No part of the operator."""
