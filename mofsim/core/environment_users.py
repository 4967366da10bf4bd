"""Who would miss an environment of models, were it removed."""

from pathlib import Path

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from mofsim.core import environments
from mofsim.core.workers import ONLINE
from mofsim.db.tables import Model, Task, Worker
from mofsim.vocabulary import ACTIVE, WAITING


def users(session: Session, root: Path, name: str) -> list[str]:
    """The workers and tasks that need the environment `name` of the data folder `root`, in words; [] when none do."""
    models = _models(session, root, name)
    found = [
        f"worker {worker.id} has its model {model} loaded, or is to load it"
        for worker in session.scalars(select(Worker).where(Worker.state.in_(ONLINE)).order_by(Worker.id))
        for model in sorted(models & {*worker.loaded_models, *_wanted(worker)})
    ]
    unended = Task.status.in_(WAITING | ACTIVE)
    counted = select(Task.model_name, func.min(Task.id), func.count()).where(unended).group_by(Task.model_name)
    for model, first, count in session.execute(counted.order_by(Task.model_name)):
        if model in models:
            others = f", and {count - 1} more," if count > 1 else ""
            found.append(f"task {first}{others} with model {model} {'have' if count > 1 else 'has'} not ended")
    return found


def _models(session: Session, root: Path, name: str) -> set[str]:
    return {
        model.name
        for model in session.scalars(select(Model))
        if not model.config.get("python") and environments.name_for(root, model.name, model.framework) == name
    }


def _wanted(worker: Worker) -> list[str]:
    return [model for model, wish in worker.model_wishes.items() if wish == "load"]
