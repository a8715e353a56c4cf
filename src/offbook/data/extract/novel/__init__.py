"""Reading a novel: quotations, who speaks each, and the names that tell."""
