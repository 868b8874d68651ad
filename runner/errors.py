"""What can go wrong in the runner; each error names the action that failed."""


class RunnerError(Exception):
    """Something in the runner failed."""


class EngineUnavailable(RunnerError):
    """No engine answers, or it stopped answering."""


class ImageUnavailable(RunnerError):
    """The image is neither here nor to be had from its registry."""


class SourceUnavailable(RunnerError):
    """The source of the stack could not be fetched."""
