"""What can go wrong in the runner; each error names the action that failed."""


class RunnerError(Exception):
    """Something in the runner failed."""


class EngineUnavailable(RunnerError):
    """No engine answers, or it stopped answering."""


class EngineAway(EngineUnavailable):
    """The engine could not be reached, so nobody knows what it would have answered."""


class ContainerExists(EngineUnavailable):
    """A container of the same run is there: a job is never started twice."""


class ContainerLost(RunnerError):
    """The container went away under the runner's feet."""


class ImageUnavailable(RunnerError):
    """The image cannot be had, or nothing can be run in it."""


class SourceUnavailable(RunnerError):
    """The source of the stack could not be fetched."""


class WorkspaceGone(SourceUnavailable):
    """A workspace that should have been kept is not there, or is not what it was."""


class SealBroken(RunnerError):
    """What a container carries was sealed with another key, or was changed."""


class StateUnreadable(RunnerError):
    """The sensitive values of a stack's state could not be found."""


class Unexpected(RunnerError):
    """Something happened that nobody thought of."""
