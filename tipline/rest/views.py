"""What every API view is: strict about what comes, plain about what goes, and keeping nothing."""

from typing import Any

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt
from rest_framework.request import Request
from rest_framework.serializers import Serializer
from rest_framework.views import APIView

from tipline.rest import problems, reading

WITH_BODY = {"POST", "PUT", "PATCH"}


class Api(APIView):
    """A view of an API. Who may call it is said by the settings (nobody is known) or by the view itself."""

    reads_body = True  # by the methods that may have one

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        # A call that has no handler says so before its body is looked at.
        if self.reads_body and request.method in WITH_BODY and hasattr(self, str(request.method).lower()):
            reading.check(request._request)
        super().initial(request, *args, **kwargs)

    def given(self, request: Request, shape: type[Serializer[Any]]) -> dict[str, Any]:
        """Return what came, checked. Raises ValidationError, ParseError, RequestDataTooBig."""
        read = shape(data=request.data)
        read.is_valid(raise_exception=True)
        found: dict[str, Any] = read.validated_data
        return found


class Published(Api):
    """The description of an API, as it stands in docs/openapi."""

    file = ""

    def get(self, request: Request, **_named: str) -> HttpResponse:
        try:
            text = (settings.BASE_DIR / "docs" / "openapi" / self.file).read_bytes()
        except OSError:
            raise Http404 from None
        return HttpResponse(text, content_type="application/json")


@csrf_exempt  # a method that changes something is told the same: there is nothing to change
def nothing_here(request: HttpRequest, **_named: str) -> HttpResponse:
    """Answer every address below /api/ that stands for nothing."""
    return problems.answer("not-found")
