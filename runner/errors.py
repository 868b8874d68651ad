"""What can go wrong in the runner; each error names the action that failed."""


class RunnerError(Exception):
    """Something in the runner failed."""


class EngineUnavailable(RunnerError):
    """No engine answers, or it stopped answering."""


class ContainerLost(RunnerError):
    """The container went away under the runner's feet."""


class ImageUnavailable(RunnerError):
    """The image cannot be had, or nothing can be run in it."""


class SourceUnavailable(RunnerError):
    """The source of the stack could not be fetched."""
