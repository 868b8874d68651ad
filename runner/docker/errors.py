"""What can keep containers from being had."""


class EngineUnavailable(Exception):
    """No container engine answers; the message says what to do about it."""


class ImageUnavailable(Exception):
    """An image can be neither assembled nor pulled; the message says what to do."""
