"""CT-GAN in PyTorch: networks, calibration, the differentiable tampering pipeline, training."""
