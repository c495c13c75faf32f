"""What a pre-check compared, in a file: both decisions of 10,000 dossiers take half a GiB."""

from __future__ import annotations

import pickle
import weakref
from collections.abc import Iterable, Iterator
from tempfile import SpooledTemporaryFile

from dsync.domain.verdict import Comparison

_IN_MEMORY = 1 << 20


class Comparisons:
    """The comparisons of a pre-check, in their order.

    The file has no name, so it is gone with the process, however that ends.
    """

    def __init__(self, comparisons: Iterable[Comparison] = ()) -> None:
        self._file = SpooledTemporaryFile(_IN_MEMORY)  # noqa: SIM115 - as long as this
        weakref.finalize(self, self._file.close)
        self._places: list[int] = []
        for one in comparisons:
            self.append(one)

    def append(self, one: Comparison) -> None:
        """Add one to the end."""
        self._places.append(self._file.seek(0, 2))
        pickle.dump(one, self._file, pickle.HIGHEST_PROTOCOL)

    def __len__(self) -> int:
        return len(self._places)

    def __iter__(self) -> Iterator[Comparison]:
        for place in self._places:
            self._file.seek(place)
            one: Comparison = pickle.load(self._file)  # noqa: S301 - nobody else has the file
            yield one
