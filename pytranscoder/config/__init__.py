"""From the YAML file to a frozen Config, or every problem at once with its line."""
