"""CT-GAN in PyTorch: networks, the differentiable tampering pipeline, training. Knows `ct` only."""
