#include "map/wsdl.h"

#include "base/xmlout.h"
#include "ifmap/request.h"

static const char head[] = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
			   "<wsdl:definitions xmlns:wsdl=\"http://schemas.xmlsoap.org/wsdl/\""
			   " xmlns:soap=\"http://schemas.xmlsoap.org/wsdl/soap12/\""
			   " xmlns:xsd=\"http://www.w3.org/2001/XMLSchema\" xmlns:ifmap=\"" IFMAP_NS
			   "\""
			   " xmlns:this=\"" IFMAP_NS "/ifmap.wsdl\" targetNamespace=\"" IFMAP_NS
			   "/ifmap.wsdl\">\n";

/* One row a passage that is written once an operation; %s is its name. */
static const struct {
	const char *open, *each, *close;
} passages[] = {
	{ "<wsdl:types><xsd:schema targetNamespace=\"" IFMAP_NS "\">\n",
		"<xsd:element name=\"%s\" type=\"xsd:anyType\"/>\n",
		"<xsd:element name=\"response\" type=\"xsd:anyType\"/>\n"
		"</xsd:schema></wsdl:types>\n" },
	{ "",
		"<wsdl:message name=\"%s\"><wsdl:part name=\"body\" element=\"ifmap:%s\"/>"
		"</wsdl:message>\n",
		"<wsdl:message name=\"response\"><wsdl:part name=\"body\" "
		"element=\"ifmap:response\"/></wsdl:message>\n" },
	{ "<wsdl:portType name=\"ifmap\">\n",
		"<wsdl:operation name=\"%s\"><wsdl:input message=\"this:%s\"/>"
		"<wsdl:output message=\"this:response\"/></wsdl:operation>\n",
		"</wsdl:portType>\n" },
	{ "<wsdl:binding name=\"ifmap\" type=\"this:ifmap\"><soap:binding style=\"document\" "
	  "transport=\"http://schemas.xmlsoap.org/soap/http\"/>\n",
		"<wsdl:operation name=\"%s\"><soap:operation soapAction=\"\"/>"
		"<wsdl:input><soap:body use=\"literal\"/></wsdl:input>"
		"<wsdl:output><soap:body use=\"literal\"/></wsdl:output></wsdl:operation>\n",
		"</wsdl:binding>\n" },
};

GString *map_wsdl(const char *host)
{
	GString *out = g_string_new(head);
	g_autofree char *url = g_strdup_printf("https://%s/", host ? host : "localhost");

	for (size_t i = 0; i < G_N_ELEMENTS(passages); i++) {
		g_string_append(out, passages[i].open);
		for (unsigned type = 0; ifmap_request_type_to_string(type); type++) {
			g_autoptr(GString) one = g_string_new(passages[i].each);

			g_string_replace(one, "%s", ifmap_request_type_to_string(type), 0);
			g_string_append_len(out, one->str, (gssize)one->len);
		}
		g_string_append(out, passages[i].close);
	}
	g_string_append(out,
		"<wsdl:service name=\"ifmap\"><wsdl:port name=\"ifmap\" binding=\"this:ifmap\">"
		"<soap:address");
	base_xmlout_attr(out, "location", url);
	g_string_append(out, "/></wsdl:port></wsdl:service></wsdl:definitions>\n");
	return out;
}
