"""Makes the Grafana dashboard that the chart carries. No part of the operator imports it."""
