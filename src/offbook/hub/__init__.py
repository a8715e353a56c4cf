"""Where base models and data sets come from: model hubs, packages, folders."""
