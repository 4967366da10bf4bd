"""What can be wrong with a structure file: each mutation makes one of a sound file, by a seed."""

import bz2
import gzip
import io
import lzma
import re
import zipfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from random import Random

from ase.io import write

from mofsim.simulations.builtin import BUILTIN_MOFS
from mofsim.simulations.frames import format_structure
from mofsim.simulations.outputs import format_cif

#: of what is to be large, in bytes
LARGE = 3_000_000
NUMBER = re.compile(rb"(?<![\w.])-?\d+\.\d+(?:\(\d+\))?")
ODD_NUMBERS = (
    b"1e308 -1e308 1e999 1e-320 NaN nan inf -inf 0 -0.0 9" + b"9" * 400 + b" 0x10 1_000 1,5 1e 1.2.3 .. - + ? . "
    b"1e+ 0.5(1e9) 9**9**9 True None __import__('os') \xd9\xa3 \xef\xbc\x91"
).split()
ODD_COUNTS = (b"0", b"-1", b"1000000000", b"20001", b"9" * 40, b"1e3", b"0x10", b"\xd9\xa3", b"1 1", b"")
ODD_NAMES = (
    "../../../etc/passwd",
    "..\\..\\boot.ini",
    "/etc/passwd",
    "C:\\Windows\\x.cif",
    "x -> /etc/passwd",
    "x.cif\0.png",
    "structure.extxyz",
    "--output",
    "-rf",
    ".",
    "..",
    ".htaccess",
    "a" * 5000 + ".cif",
    "é\u202e\u2028fic.\x1b[2J",
    "POSCAR/../../x",
    "CON.cif",
    " ",
    "$(touch x);`id`.cif",
)
NEW_LINES = (b"\r\n", b"\r", b"\x0b", b"\x0c", b"\x1c", b"\xc2\x85", b"\xe2\x80\xa8", b"\n\n", b" \\\n")


@dataclass(frozen=True)
class Upload:
    """A file as it is sent; `kind` is what it was at first: cif, extxyz or vasp."""

    content: bytes
    name: str
    kind: str
    mutation: str = "none"
    fields: dict[str, str] = field(default_factory=dict)


Mutation = Callable[[Random, Upload], bytes]


def sound(folder: Path | None = None) -> list[Upload]:
    """The built-in structures in each format, and the CIFs below a folder."""
    found = []
    for mof in BUILTIN_MOFS:
        atoms, poscar = mof.build(), io.StringIO()
        write(poscar, atoms, format="vasp")
        found += [
            Upload(format_cif(atoms), f"{mof.name}.cif", "cif"),
            Upload(format_structure(atoms).encode(), f"{mof.name}.xyz", "extxyz"),
            Upload(poscar.getvalue().encode(), "POSCAR", "vasp"),
        ]
    found.append(Upload(_with_symmetry(), "rock salt.cif", "cif"))
    paths = sorted(folder.rglob("*.cif")) if folder else []
    return found + [Upload(path.read_bytes(), path.name, "cif") for path in paths]


def _with_symmetry() -> bytes:
    """Small, and with symmetry operations to be spoilt."""
    return b"""data_NaCl
_symmetry_space_group_name_H-M 'P 1'
loop_
_symmetry_equiv_pos_as_xyz
'x, y, z'
'x+1/2, y+1/2, z'
'x+1/2, y, z+1/2'
'x, y+1/2, z+1/2'
_cell_length_a 5.64
_cell_length_b 5.64
_cell_length_c 5.64
_cell_angle_alpha 90
_cell_angle_beta 90
_cell_angle_gamma 90
loop_
_atom_site_label
_atom_site_type_symbol
_atom_site_fract_x
_atom_site_fract_y
_atom_site_fract_z
Na1 Na 0.0 0.0 0.0
Cl1 Cl 0.5 0.0 0.0
"""


def mutants(count: int, seed: int, sources: Sequence[Upload]) -> Iterator[Upload]:
    """Each mutation in turn, so that any number of them holds as many of each."""
    random = Random(seed)
    names = list(MUTATIONS)
    for number in range(count):
        mutation = names[number % len(names)]
        source = random.choice(sources)
        content = MUTATIONS[mutation](random, source)
        upload = replace(source, content=content, mutation=mutation)
        yield _dressed(random, upload)


def _dressed(random: Random, upload: Upload) -> Upload:
    """Sometimes another name, or a field beside the file that does not fit it."""
    if upload.mutation == "odd_name" or random.random() < 0.1:
        upload = replace(upload, name=random.choice(ODD_NAMES))
    if random.random() < 0.1:
        fields = random.choice(({"format": "cif"}, {"format": "vasp"}, {"format": "extxyz"}, {"molecule": "true"}))
        upload = replace(upload, fields=fields)
    if random.random() < 0.1:
        upload = replace(upload, fields=upload.fields | {"reuse": "true"})
    return upload


def _lines(upload: Upload) -> list[bytes]:
    return upload.content.split(b"\n")


def _spoil_numbers(random: Random, content: bytes, odd: Sequence[bytes], most: int) -> bytes:
    """Put odd ones in the place of some of its numbers."""
    places = [match.span() for match in NUMBER.finditer(content)]
    for begin, end in sorted(random.sample(places, min(len(places), random.randint(1, most))), reverse=True):
        content = content[:begin] + random.choice(odd) + content[end:]
    return content


def _none(random: Random, upload: Upload) -> bytes:
    return upload.content


def _truncated(random: Random, upload: Upload) -> bytes:
    return upload.content[: random.randrange(len(upload.content))]


def _beheaded(random: Random, upload: Upload) -> bytes:
    return upload.content[random.randrange(len(upload.content)) :]


def _flipped(random: Random, upload: Upload) -> bytes:
    content = bytearray(upload.content)
    for _ in range(random.choice((1, 3, 30))):
        content[random.randrange(len(content))] ^= 1 << random.randrange(8)
    return bytes(content)


def _noise(random: Random, upload: Upload) -> bytes:
    content = bytearray(upload.content)
    at = random.randrange(len(content))
    content[at : at + random.randint(0, 50)] = random.randbytes(random.randint(0, 50))
    return bytes(content)


def _lines_moved(random: Random, upload: Upload) -> bytes:
    lines = _lines(upload)
    for _ in range(random.randint(1, 4)):
        at = random.randrange(len(lines))
        match random.randrange(3):
            case 0:
                del lines[at]
            case 1:
                lines.insert(at, random.choice(lines))
            case _:
                lines.insert(random.randrange(len(lines)), lines.pop(at))
        lines = lines or [b""]
    return b"\n".join(lines)


def _odd_numbers(random: Random, upload: Upload) -> bytes:
    return _spoil_numbers(random, upload.content, ODD_NUMBERS, random.choice((1, 1, 20)))


def _odd_counts(random: Random, upload: Upload) -> bytes:
    """More atoms claimed than there are, up to billions; or none."""
    lines, odd = _lines(upload), random.choice(ODD_COUNTS)
    if upload.kind == "extxyz":
        lines[0] = odd
    elif upload.kind == "vasp":
        lines[6 if len(lines) > 6 else 0] = odd
    else:
        lines += [b"_symmetry_Int_Tables_number " + odd, b"_cell_formula_units_Z " + odd]
    return b"\n".join(lines)


def _odd_cell(random: Random, upload: Upload) -> bytes:
    values = (b"0", b"0.0 0.0 0.0", b"1e-9", b"1e12", b"1e300", b"-5.0", b"180", b"359.999", b"nan", b"0.4")
    value = random.choice(values)
    lines = _lines(upload)
    if upload.kind == "cif":
        tag = random.choice((b"_cell_length_a", b"_cell_length_c", b"_cell_angle_alpha", b"_cell_"))
        lines = [line.split()[0] + b" " + value if line.startswith(tag) else line for line in lines]
    elif upload.kind == "vasp":
        at = random.choice((1, 2, 4))
        lines[at : at + 1] = [value if at == 1 else b" ".join([value.split()[0]] * 3)]
    else:
        cells = (value.split()[0] + b" 0 0 " * 2 + b"4", b" ".join([value.split()[0]] * 9), b"1 2 3", b"")
        lines[1] = re.sub(rb'Lattice="[^"]*"', b'Lattice="' + random.choice(cells) + b'"', lines[1])
    return b"\n".join(lines)


def _scaled(random: Random, upload: Upload) -> bytes:
    """Everything at one place, or all of it far away."""
    return NUMBER.sub(random.choice((b"0.0", b"0.5", b"1e15", b"-1e15", b"3.0000000001")), upload.content)


def _odd_elements(random: Random, upload: Upload) -> bytes:
    odd = random.choice(
        (b"X", b"Xx", b"Uuo", b"D", b"C1'", b"\xc3\x85", b"0", b'"', b"'", b"A" * 10_000, b"Zn2+", b"Og")
    )
    place = re.compile(rb"\b(Zn|Cu|Zr|Mg|Al|Na)\b")
    return place.sub(lambda _: odd, upload.content, count=random.choice((1, 0)))


def _deep(random: Random, upload: Upload) -> bytes:
    """Beginnings without ends, thousands of them."""
    deep = random.choice(
        (b"loop_\n", b"data_x\n", b"save_x\n", b"loop_ _a ", b"[", b"{", b'"', b"'", b";\n", b"(", b"#")
    )
    lines = _lines(upload)
    at = random.randrange(len(lines)) if upload.kind == "cif" else 1
    lines[at:at] = [deep * random.choice((100, 20_000, 200_000))]
    return b"\n".join(lines)


def _many_columns(random: Random, upload: Upload) -> bytes:
    n = random.choice((500, 20_000))
    if upload.kind != "cif":
        columns = b":".join(b"c%d:R:1" % number for number in range(n))
        return upload.content.replace(b"pos:R:3", b"pos:R:3:" + columns, 1)
    names = b"\n".join(b"_atom_site_c%d" % number for number in range(n))
    rows = b"\n".join(b"1 " * random.choice((n, n - 1)) for _ in range(3))
    return upload.content + b"\nloop_\n" + names + b"\n" + rows


def _odd_properties(random: Random, upload: Upload) -> bytes:
    """The second line of an extXYZ: columns that are not there, of a size that nothing has, twice."""
    odd = (
        b"species:S:1:pos:R:1000000000",
        b"species:S:1:pos:R:-3",
        b"pos:R:3:pos:R:3",
        b"species:S:3",
        b"species:S:1:pos:S:3",
        b"species:R:1:pos:R:3",
        b"species:S:1:pos:R:3:numbers:I:1",
        b"species:S:1:pos:R:3:cell:R:9",
        b":::",
        b"species:S:1:pos",
        b"species:Q:1:pos:R:3",
    )
    line = b'3\nLattice="4 0 0 0 4 0 0 0 4" Properties=' + random.choice(odd)
    extras = (
        b"",
        b' pbc="F F F"',
        b' pbc="T"',
        b' a="[[[[1,2],[3]]]"',
        b" _JSON=" + b"[" * 5000,
        b" =",
        b' energy="x"',
    )
    return line + random.choice(extras) + b"\nC 0 0 0\nO 2 2 2\nN 1 1 3\n"


def _odd_symmetry(random: Random, upload: Upload) -> bytes:
    odd = (
        b"x+1/0,y,z",
        b"__import__('os').system('id'),y,z",
        b"9**9**9,y,z",
        b"x,y",
        b"x*y,z,z",
        b"",
        b"x,y,z,w",
        b"?",
    )
    odd += (b"x+" * 20_000 + b"x,y,z", b"1e999x,y,z", b"x,x,x")
    content = _with_symmetry()
    if random.random() < 0.5:
        return content.replace(b"x+1/2, y, z+1/2", random.choice(odd))
    groups = (b"'F d -3 m'", b"'nonsense'", b"''", b"231", b"-1", b"'P 1 21/c 1'", b"?", b"9" * 100)
    return re.sub(rb"loop_\n_symmetry.*?(?=_cell)", b"_symmetry_space_group_name_H-M " + random.choice(groups) + b"\n",
                  content, count=1, flags=re.S)  # fmt: skip


def _many_operations(random: Random, upload: Upload) -> bytes:
    """Each atom once more for each operation: a small file that makes a large structure."""
    operations = b"\n".join(b"'x+%d/%d, y, z+%d/7'" % (n % 97, 97, n % 7) for n in range(random.choice((600, 30_000))))
    return _with_symmetry().replace(b"'x+1/2, y+1/2, z'", operations)


def _many_atoms(random: Random, upload: Upload) -> bytes:
    n = random.choice((2_000, 19_999, 20_001, 60_000))
    side = round(n ** (1 / 3)) + 1
    rows = [b"C %d.0 %d.0 %d.0" % (2 * (i % side), 2 * (i // side % side), 2 * (i // side**2)) for i in range(n)]
    lattice = b'Lattice="%d 0 0 0 %d 0 0 0 %d" Properties=species:S:1:pos:R:3 pbc="T T T"' % (
        2 * side,
        2 * side,
        2 * side,
    )
    return b"\n".join([b"%d" % n, lattice, *rows]) + b"\n"


def _crowded(random: Random, upload: Upload) -> bytes:
    """So many atoms in so little room that a list of all pairs would fill the memory."""
    n = random.choice((500, 19_000))
    rows = [b"C %.6f %.6f %.6f" % (random.random(), random.random(), random.random()) for _ in range(n)]
    cell = random.choice((b"1.1", b"3"))
    lattice = b'Lattice="%b 0 0 0 %b 0 0 0 %b" pbc="T T T"' % (cell, cell, cell)
    return b"\n".join([b"%d" % n, lattice, *rows]) + b"\n"


def _sparse(random: Random, upload: Upload) -> bytes:
    """A cell so large, or so long, that cells of a search fill the memory."""
    cell = random.choice(
        (b"1e6 0 0 0 1e6 0 0 0 1e6", b"1e5 0 0 0 4 0 0 0 4", b"1.1 0 0 0 1e9 0 0 0 1.1", b"4 0 0 1e7 4 0 0 0 4")
    )
    return b'2\nLattice="' + cell + b'" pbc="T T T"\nC 0 0 0\nO 0.6 0 0\n'


def _other_encoding(random: Random, upload: Upload) -> bytes:
    text = upload.content.decode("utf-8", "replace").replace("_cell_length_a", "# Å é 漢\n_cell_length_a", 1)
    return text.encode(
        random.choice(("utf-16", "utf-32", "latin-1", "utf-8-sig", "utf-7", "cp037", "shift-jis")), "replace"
    )


def _packed(random: Random, upload: Upload) -> bytes:
    match random.randrange(6):
        case 0:
            return gzip.compress(upload.content)
        case 1:
            return bz2.compress(upload.content)
        case 2:
            return lzma.compress(upload.content)
        case 3:
            return gzip.compress(b"0" * 50 * LARGE, compresslevel=9)
        case 4:
            return _zipped({"../../x.cif": upload.content, "big": b" " * 50 * LARGE})
        case _:
            return _zipped({"a.zip": _zipped({"b.zip": _zipped({"c": b"\0" * LARGE})})})


def _zipped(files: dict[str, bytes]) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return target.getvalue()


def _linked(random: Random, upload: Upload) -> bytes:
    """What links look like where they are kept as files."""
    return random.choice(
        (b"!<symlink>\xff\xfe/etc/passwd", b"/etc/passwd", b"../../keys/local", b"file:///etc/passwd\n")
    )


def _null_bytes(random: Random, upload: Upload) -> bytes:
    at = random.randrange(len(upload.content))
    return upload.content[:at] + b"\0" * random.choice((1, 5000)) + upload.content[at:]


def _long_line(random: Random, upload: Upload) -> bytes:
    lines = _lines(upload)
    long = random.choice(
        (b"# " + b"a" * LARGE, b"1" * LARGE, b"_a " + b"b" * LARGE, b'"' * 200_000, b" " * LARGE, b"1 " * 500_000)
    )
    lines.insert(random.randrange(len(lines) + 1), long)
    return b"\n".join(lines)


def _new_lines(random: Random, upload: Upload) -> bytes:
    return upload.content.replace(b"\n", random.choice(NEW_LINES))


def _unquoted(random: Random, upload: Upload) -> bytes:
    lines = _lines(upload)
    odd = random.choice(
        (b"_a 'never ends", b'_a "', b"_a\n;\nnever ends", b"_a 'x' 'y' z", b"_a _b _c", b"loop_ _a _b 1 2 3")
    )
    lines.insert(random.randrange(len(lines) + 1), odd)
    return b"\n".join(lines)


def _twice(random: Random, upload: Upload) -> bytes:
    return upload.content * random.choice((2, 30))


def _another_kind(random: Random, upload: Upload) -> bytes:
    return random.choice(
        (
            b"",
            b"\n" * 1000,
            b"\xef\xbb\xbf",
            b"%PDF-1.7\n",
            b"\x7fELF",
            b"<svg onload=alert(1)>",
            b'{"a": [1]}',
            b"HEADER    PROTEIN\nATOM      1  N   ALA A   1      11.104   6.134  -6.504  1.00  0.00           N\n",
            b"import os\nos.system('id')\n",
            b"\x80\x04cos\nsystem\n(S'id'\ntR.",
            b"- !!python/object/apply:os.system [id]\n",
        )
    )


def _poscar(random: Random, upload: Upload) -> bytes:
    head = random.choice((b"x", b"", b"Si", b"a" * 5000))
    scale = random.choice((b"1.0", b"0", b"-1", b"-1e300", b"nan", b"1 1 1", b"1e-300", b"x"))
    counts = random.choice((b"1 1", b"1000000000 1", b"1 -1", b"0 0", b"1", b"1 1 1", b"x", b"99999999999999999999 1"))
    mode = random.choice((b"Direct", b"Cartesian", b"Selective dynamics\nDirect", b"K", b"", b"\xff"))
    names = random.choice((b"Na Cl", b"Na", b"Na/abc Cl_pv", b"X Y", b"1 2"))
    cell = b"5.6 0 0\n0 5.6 0\n0 0 5.6"
    return b"\n".join([head, scale, cell, names, counts, mode, b"0 0 0 T F T", b"0.5 0.5 0.5", b""])


MUTATIONS: dict[str, Mutation] = {
    "none": _none,
    "truncated": _truncated,
    "beheaded": _beheaded,
    "flipped_bits": _flipped,
    "noise": _noise,
    "lines_moved": _lines_moved,
    "odd_numbers": _odd_numbers,
    "odd_counts": _odd_counts,
    "odd_cell": _odd_cell,
    "scaled": _scaled,
    "odd_elements": _odd_elements,
    "deep": _deep,
    "many_columns": _many_columns,
    "odd_properties": _odd_properties,
    "odd_symmetry": _odd_symmetry,
    "many_operations": _many_operations,
    "many_atoms": _many_atoms,
    "crowded": _crowded,
    "sparse": _sparse,
    "other_encoding": _other_encoding,
    "packed": _packed,
    "linked": _linked,
    "null_bytes": _null_bytes,
    "long_line": _long_line,
    "new_lines": _new_lines,
    "unquoted": _unquoted,
    "twice": _twice,
    "another_kind": _another_kind,
    "poscar": _poscar,
    "odd_name": _none,
}
