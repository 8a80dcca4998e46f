"""What is painted under a model's own drawing: things on a picture, where strokes put them."""
