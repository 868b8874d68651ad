"""Who reviewed a run, as far as it counts for what the run is."""

from bot.domain.approval import Reviews, counted
from bot.domain.run import Approval, Run
from bot.ports import Approvals


async def reviews_of(approvals: Approvals, run: Run) -> Reviews:
    """Return the reviews of *run*; nothing is read of one that nobody was asked about.

    Raises StoreUnavailable.
    """
    if run.approval is Approval.NONE:
        return Reviews()
    return counted(await approvals.reviews(run.id), run.subject or "")
