"""Raw images, their pixels and names, and the manifests that list them."""
