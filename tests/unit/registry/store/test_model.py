"""Any sequence of changes, by hand and by the API, beside a model of what must then be there."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

import hypothesis.strategies as st
import pytest
from hypothesis import settings
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from poetry_aegis.registry.data import DataDirectory
from poetry_aegis.registry.errors import FileExists, NotFound, NotUploadable
from poetry_aegis.registry.store.admission import Outcome, Overwriting
from poetry_aegis.registry.store.listing import CLOSED, STATUSES, ProjectStatus
from poetry_aegis.registry.store.store import open_store
from tests.support.distributions import make_sdist, make_wheel
from tests.support.store import add, assert_page_tells_the_truth, document, page, projects

PROJECTS = ("a", "b-c")
VERSIONS = ("1.0", "2.0rc1", "3.0.dev2")
KINDS = ("wheel", "sdist")
CONTENTS = ("one", "two")
FILES = st.tuples(st.sampled_from(PROJECTS), st.sampled_from(VERSIONS), st.sampled_from(KINDS))


class StoreMachine(RuleBasedStateMachine):
    """The model: which files each project has, with what content and which yank."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp())
        self.data = DataDirectory.open(self.folder / "data")
        self.store = open_store(self.data)
        self.files: dict[str, dict[str, str]] = {}
        self.yanks: dict[str, dict[str, str]] = {}
        self.status: dict[str, ProjectStatus] = {}
        self.by_hand = False

    def teardown(self) -> None:
        self.store.close()
        shutil.rmtree(self.folder)

    def make(self, file: tuple[str, str, str], content: str) -> Path:
        project, version, kind = file
        maker = make_wheel if kind == "wheel" else make_sdist
        root = project.replace("-", "_")
        member = f"{root}/x.py" if kind == "wheel" else f"{root}-{version}/x.py"
        return maker(self.folder / "dist", project, version, files={member: content})

    @rule(file=FILES, content=st.sampled_from(CONTENTS), overwrite=st.booleans())
    def upload(self, file: tuple[str, str, str], content: str, *, overwrite: bool) -> None:
        path = self.make(file, content)
        files = self.files.get(file[0], {})
        known, closed = files.get(path.name), self.status.get(file[0]) in CLOSED
        asked = Overwriting.ALLOWED if overwrite else Overwriting.NOT_ASKED
        if known == content:
            assert add(self.store, path, asked) is Outcome.UNCHANGED
        elif closed:
            with pytest.raises(NotUploadable):
                add(self.store, path, asked)
        elif known is None:
            assert add(self.store, path, asked) is Outcome.CREATED
        elif overwrite:
            assert add(self.store, path, asked) is Outcome.OVERWRITTEN
            self.yanks[file[0]].pop(path.name, None)
        else:
            with pytest.raises(FileExists):
                add(self.store, path, asked)
        if known == content or (not closed and (known is None or overwrite)):
            self.files.setdefault(file[0], {})[path.name] = content
            self.yanks.setdefault(file[0], {})

    @precondition(lambda self: any(self.files.values()))
    @rule(data=st.data(), reason=st.sampled_from([None, "", 'bad & <worse> "é"']))
    def yank(self, data: st.DataObject, reason: str | None) -> None:
        project, name = data.draw(st.sampled_from(self.all_files()))
        self.store.yank(project, [name], reason)
        if reason is None:
            self.yanks[project].pop(name, None)
        else:
            self.yanks[project][name] = reason

    @precondition(lambda self: any(self.files.values()))
    @rule(data=st.data())
    def delete_file(self, data: st.DataObject) -> None:
        project, name = data.draw(st.sampled_from(self.all_files()))
        self.store.delete_files(project, [name])
        del self.files[project][name]
        self.yanks[project].pop(name, None)

    @rule(project=st.sampled_from(PROJECTS))
    def delete_project(self, project: str) -> None:
        if project not in self.files:
            with pytest.raises(NotFound):
                self.store.delete_project(project)
            return
        self.store.delete_project(project)
        for known in (self.files, self.yanks, self.status):
            known.pop(project, None)

    @precondition(lambda self: bool(self.files))
    @rule(data=st.data(), status=st.sampled_from(STATUSES))
    def set_status(self, data: st.DataObject, status: ProjectStatus) -> None:
        project = data.draw(st.sampled_from(sorted(self.files)))
        self.store.set_status(project, status, None)
        self.status[project] = status

    @precondition(lambda self: any(self.files.values()))
    @rule(data=st.data())
    def remove_by_hand(self, data: st.DataObject) -> None:
        project, name = data.draw(st.sampled_from(self.all_files()))
        self.data.distribution(project, name).unlink()
        del self.files[project][name]
        self.yanks[project].pop(name, None)
        self.store.reindex(project)

    @rule(file=FILES, content=st.sampled_from(CONTENTS))
    def copy_by_hand(self, file: tuple[str, str, str], content: str) -> None:
        path = self.make(file, content)
        if path.name in self.files.get(file[0], {}):
            return
        self.data.project_files(file[0]).mkdir(exist_ok=True)
        shutil.copy(path, self.data.distribution(file[0], path.name))
        self.store.reindex_all()
        self.files.setdefault(file[0], {})[path.name] = content
        self.yanks.setdefault(file[0], {})

    @rule()
    def reopen(self) -> None:
        self.store.close()
        self.store = open_store(self.data, deferred_list=True)

    @rule()
    def reindex(self) -> None:
        assert self.store.reindex_all().is_clean

    def all_files(self) -> list[tuple[str, str]]:
        return [(project, name) for project, names in self.files.items() for name in names]

    @invariant()
    def pages_are_as_the_model(self) -> None:
        assert self.store.projects() == sorted(self.files)
        assert projects(self.data) == sorted(self.files)
        for project, files in self.files.items():
            status = self.status.get(project, "active")
            assert document(self.data, project)["project-status"] == {"status": status}
            shown = {} if status == "quarantined" else files
            assert set(page(self.data, project)) == set(shown)
            known = {file.file_name: file.yanked for file in self.store.listing(project).files}
            assert known == {name: self.yanks[project].get(name) for name in files}
            assert_page_tells_the_truth(self.data, project)

    @invariant()
    def a_check_is_clean(self) -> None:
        assert self.store.check().is_clean, self.store.check()


TestStore = StoreMachine.TestCase
TestStore.settings = settings(max_examples=40, stateful_step_count=25, deadline=None)
