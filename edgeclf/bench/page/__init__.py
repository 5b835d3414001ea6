"""Reports as pages: inline SVG, no script, nothing that is loaded."""

from edgeclf.bench.page.comparison import comparison_page
from edgeclf.bench.page.report import report_page

__all__ = ["comparison_page", "report_page"]
