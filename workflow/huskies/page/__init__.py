"""What pages are made of: the template, charts, pictures, mistakes, and labels that look wrong."""
