"""The nibabel classes that read and write NIfTI, without pydicom.

If pydicom is installed, nibabel loads it for an extension that no scan here has (code 2, DICOM). That takes longer than
all other imports of a process, so it is hidden from nibabel.
"""

import sys
from typing import Any

_modules: dict[str, Any] = sys.modules
_hidden = "pydicom" not in _modules
if _hidden:
    _modules["pydicom"] = None
try:
    from nibabel.nifti1 import Nifti1Extension, Nifti1Header
    from nibabel.nifti2 import Nifti2Header, Nifti2Image
finally:
    if _hidden:
        del _modules["pydicom"]

__all__ = ["Nifti1Extension", "Nifti1Header", "Nifti2Header", "Nifti2Image"]
