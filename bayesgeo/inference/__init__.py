"""How a posterior is computed: each file is one inference."""
